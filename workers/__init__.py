"""Where the web and the engine meet: claims a job, runs the engine, writes its log."""
