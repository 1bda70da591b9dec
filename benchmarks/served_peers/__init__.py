"""Model servers to compare with: each serves one stateless network of the size of ours."""
