"""What open pages are told while they are open: new quotes, and that data of theirs changed."""
