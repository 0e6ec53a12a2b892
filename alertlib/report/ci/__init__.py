"""What continuous integration reads: JUnit and annotations."""
