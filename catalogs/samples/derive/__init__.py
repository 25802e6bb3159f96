"""Parts of the script that derives the sample data: one module a kind of sample."""
