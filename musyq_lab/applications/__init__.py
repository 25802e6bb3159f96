"""Applications of the products: pure functions from Dataset to Dataset or table, one package a theme."""
