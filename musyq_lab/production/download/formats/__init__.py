"""One writer a format: each takes the staged selection and fills a folder that nobody else sees yet."""
