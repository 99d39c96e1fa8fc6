"""The real data that the package ships."""

from typing import Any

from grucast.data.sources import read


def example() -> Any:
    """Hourly rentals of the Capital bike share in Washington, D.C., 2011 and 2012, as a polars frame.

    Columns unique_id, ds (local time) and y (bikes rented in that hour); 165 hours without rentals are not there.

    Source: H. Fanaee-T, "Bike Sharing", UCI Machine Learning Repository, 2013, doi:10.24432/C5W894; CC BY 4.0.

    Raises:
        MissingExtraError: polars is not installed.

    >>> from grucast.data import example
    >>> example().shape
    (17379, 3)
    """
    from importlib.resources import as_file, files

    with as_file(files("grucast.data") / "bike_sharing.csv") as path:
        return read(path)
