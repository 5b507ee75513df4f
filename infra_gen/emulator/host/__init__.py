"""Programs that run inside an emulated instance: its first process and its `systemctl`. Standard library only."""
