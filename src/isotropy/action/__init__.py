"""How an element of an algebra moves a point: actions, linear ones with their arithmetic, and spans of fields."""
