"""What tests of programs and of backends can use: conformance suites, and a small embedder."""
