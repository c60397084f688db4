"""What people did about incidents: who acknowledged, muted, commented on or resolved which."""
