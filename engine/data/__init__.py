"""Images: seeded splits of the built-in data, of CIFAR-10 and of image folders."""
