"""What tests can use: conformance suites, a small embedder and reranker, a disk that fails."""
