"""X-Road: identifiers, message protocol 4.0 for SOAP and r1 for REST, and the bus's own faults."""
