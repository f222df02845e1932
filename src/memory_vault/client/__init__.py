"""The parts of `RemoteVault`: what is sent for each call, and how the answer is read."""
