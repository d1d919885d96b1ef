"""Web sites and servers: the Segment HTTP API and our own tracker."""
