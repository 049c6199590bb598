"""The films of the installed CC0 set as CSV: IMDb id, title, year, minutes."""

import csv
import importlib.util
import os
import sqlite3
import sys

folder = list(importlib.util.find_spec("bokeh_sampledata").submodule_search_locations)[0]
database = sqlite3.connect(os.path.join(folder, "_data", "movies.db"))
out = csv.writer(sys.stdout)
out.writerow(["imdb", "title", "year", "minutes"])
for imdb, title, year, minutes in database.execute("select imdbID, Title, Year, Runtime from omdb order by ID"):
    out.writerow([imdb, title, year, int(minutes) if minutes else ""])
