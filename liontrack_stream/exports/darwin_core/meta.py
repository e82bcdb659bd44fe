"""``meta.xml``: what the columns of the core mean."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from liontrack_stream.exports.darwin_core.occurrences import DWC, TERMS

NAMESPACE = "http://rs.tdwg.org/dwc/text/"
CORE, METADATA = "occurrence.csv", "eml.xml"


def meta_xml() -> bytes:
    """The file."""
    archive = ET.Element("archive", xmlns=NAMESPACE, metadata=METADATA)
    core = ET.SubElement(
        archive,
        "core",
        rowType=f"{DWC}Occurrence",
        encoding="UTF-8",
        fieldsTerminatedBy=",",
        linesTerminatedBy="\\n",
        fieldsEnclosedBy='"',
        ignoreHeaderLines="1",
    )
    ET.SubElement(ET.SubElement(core, "files"), "location").text = CORE
    ET.SubElement(core, "id", index="0")
    for index, term in enumerate(TERMS.values()):
        ET.SubElement(core, "field", index=str(index), term=term)
    ET.indent(archive)
    return ET.tostring(archive, "utf-8", xml_declaration=True) + b"\n"
