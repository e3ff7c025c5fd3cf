"""What people see. Never loads torch."""
