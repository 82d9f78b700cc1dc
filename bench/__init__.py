"""What is measured about the product, each bench its own package."""
