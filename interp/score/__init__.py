"""Score: why a head looks where it does; the score of a cell by what its query and its key are made of."""
