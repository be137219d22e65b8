"""What other systems send us (chat, tickets, surveys, CRM): read, checked and made into items. No database here."""
