"""Old workbooks (.xls, BIFF8): cells written into the stream where they stand, all other records as they came."""
