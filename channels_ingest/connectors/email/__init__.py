"""E-mail out by SMTP."""
