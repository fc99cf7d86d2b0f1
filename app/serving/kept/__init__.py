"""What came from the browser, on this computer: as long as a session uses it, and a day longer."""
