"""Where files lie: a folder, or a container of Azure Blob Storage, behind one Protocol."""
