"""Images of the dataset: OME-Zarr 0.5 groups with one sharded array ``0``.

with write_image(path, spec) as writer:
    for window in writer.windows(block):         # in the order that the shards want
        writer.write(window, pixels)             # (C, h, w)
image = open_image(path)
image.read([0, 3], Window(0, 0, 256, 256))
"""
