"""Files of the user: tables, streams, images, graphs, and the samples in them."""
