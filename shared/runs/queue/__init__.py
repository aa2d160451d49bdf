"""The queue of work: small messages, one for each account at a time, and a marker beside each.

A storage queue delivers at least once, in no certain order, and may lose what nobody could send. So a message
says only whose turn it is; what there is to do stands in the account's marker, which is written under a
condition before a message is sent. A message that its marker does not name is an old one, and means nothing.
"""
