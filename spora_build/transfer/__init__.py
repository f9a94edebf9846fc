"""To and from a bucket by rclone: remotes, listings, checksums. Knows nothing of datasets."""
