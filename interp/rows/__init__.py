"""Row statistics: what every row of a signed pattern says, from the pattern itself or strip by strip from q and k."""
