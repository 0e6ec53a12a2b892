"""What every channel shares: due copies, attempts, retries, the breaker, what became of them."""
