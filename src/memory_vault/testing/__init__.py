"""What tests can use: conformance suites for backends, a small embedder and reranker."""
