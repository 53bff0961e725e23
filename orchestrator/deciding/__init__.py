"""What an entry does about what it is asked: a pure decision, and its reasons."""
