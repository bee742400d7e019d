"""What carries over to networks: landscapes, certificates, proved bounds."""
