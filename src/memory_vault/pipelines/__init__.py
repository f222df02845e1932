"""What happens in a call, step by step: save and recall, and what else changes a memory."""
