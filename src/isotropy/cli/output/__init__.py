"""What the command line gives back: words, progress, a whole folder or nothing."""
