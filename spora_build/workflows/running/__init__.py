"""How jobs run: processes of this machine or a cluster, their memory, their progress, their deaths."""
