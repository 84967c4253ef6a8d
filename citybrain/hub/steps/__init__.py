"""What a step of a case and one of a ticket have in common: refusals, inputs, limits in words. No tables, no rules."""
