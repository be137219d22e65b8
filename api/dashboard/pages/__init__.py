"""The pages, one room each. A page is read and changed through the store, as the API's routes do."""
