"""What comes out of files: formats, imports, file jobs, the cost of a scan."""

import lakehouse as lakehouse  # first: it says where packages are looked for
