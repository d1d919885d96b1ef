"""Pages of the contacts room. View function, URL name and template share one name."""
