"""What tests of programs and of backends can use: suites, a small embedder, a disk that fails."""
