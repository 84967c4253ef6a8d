"""日报、周报 of the hotline: counted for one area, written as Word and Excel, kept by version."""
