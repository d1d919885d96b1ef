"""The small shop of 山野跑步: a web site of its own that embeds the product's tracker."""
