"""From what was found to the shortest history that still shows it, with its likeliest cause."""
