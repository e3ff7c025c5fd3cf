"""Pages about target devices: what each can tell, how well it is known, what fewer bits save."""
