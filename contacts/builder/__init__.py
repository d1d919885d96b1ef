"""The segment builder: a rule as a form, without JavaScript of its own. ``tree`` holds the nodes, ``schema`` says which fields
a kind of condition has, ``commands`` what the buttons do, ``drawing`` puts widgets, errors and counts on the nodes."""
