"""The reconciliation sheet (对账单): three books of every day side by side, their differences, and who signed for them."""
