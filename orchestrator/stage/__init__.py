"""The web area: files, lists and signatures, how they are published, and who serves them."""
