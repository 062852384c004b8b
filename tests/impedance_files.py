"""Writers of the files of impedance instruments, as small as the formats allow."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from io import BytesIO

import numpy as np
import openpyxl

from percolyte.impedance.measurement import Complexes, Floats

FREQUENCY: Floats = np.array([1e5, 1e4, 1e3, 100.0, 10.0, 1.0])
SECOND = 1.5
"""The impedance of the second cycle over that of the first."""


def cell(frequency: Floats = FREQUENCY) -> Complexes:
    """10 ohm in series with 100 ohm beside 10 uF: no number of it is round, and none is zero."""
    return np.asarray(10.0 + 100.0 / (1.0 + 2j * np.pi * frequency * 1e-3), dtype=np.complex128)


def points(cycles: int = 1) -> list[tuple[int, float, complex]]:
    return [
        (cycle, float(f), complex(z) * (SECOND if cycle == 2 else 1.0))
        for cycle in range(1, cycles + 1)
        for f, z in zip(FREQUENCY, cell(), strict=True)
    ]


def rows(cycles: int, line: Callable[[int, float, complex], Sequence[object]], between: str) -> str:
    return "\n".join(between.join(map(str, line(*point))) for point in points(cycles)) + "\n"


def mpt(
    cycles: int = 2, area: str = "1.131 cm²", comma: bool = False, end: str = "\r\n", encoding: str = "latin-1"
) -> bytes:
    header = ["EC-Lab ASCII FILE", "Nb header lines : 8", "", "Potentio Electrochemical Impedance Spectroscopy", "",
              "Acquisition started on : 01/10/2024 11:02:29.886", f"Electrode surface area : {area}"]  # fmt: skip
    headings = "freq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm\t|Z|/Ohm\tCs/µF\tcycle number\t"
    body = rows(cycles, lambda c, f, z: (f, z.real, -z.imag, abs(z), 1.0, float(c), ""), "\t")
    text = "\n".join([*header, headings, body.replace(".", ",") if comma else body])
    return text.replace("\n", end).encode(encoding)


def mpt_run(technique: str, columns: str, values: Sequence[Sequence[float]]) -> bytes:
    lines = ["EC-Lab ASCII FILE", "Nb header lines : 5", "", technique, columns]
    return "\n".join([*lines, *("\t".join(map(str, row)) for row in values)]).encode("latin-1")


_MPR = {
    32: "<f",
    37: "<f",
    38: "<f",
    36: "<f",
    24: "<d",
    39: "<H",
    4: "<d",
    1: "<B",
    2: "<B",
    6: "<f",
    8: "<f",
    174: "<f",
}


def mpr(
    cycles: int = 2, version: int = 11, identifiers: Sequence[int] = (32, 37, 38, 36, 24, 39), unknown: str = "<f",
    values: Callable[[int, float, complex], dict[int, float]] | None = None, one_flag: bool = True,
) -> bytes:  # fmt: skip
    """A data module and a log; identifiers that are not in the table have the type `unknown`."""
    header = {3: 406, 11: 1007}[version]
    measured = values or (lambda c, f, z: {32: f, 37: z.real, 38: -z.imag, 36: abs(z), 24: float(c)})
    count = struct.pack("<IB", len(points(cycles)), len(identifiers)) + b"\0" * (version > 10)
    data = (count + struct.pack(f"<{len(identifiers)}H", *identifiers)).ljust(header, b"\0")
    for point in points(cycles):
        for identifier in dict.fromkeys(
            1 if identifier in (1, 2) and one_flag else identifier for identifier in identifiers
        ):
            value = measured(*point).get(identifier, 1)
            kind = _MPR.get(identifier, unknown)
            data += struct.pack(kind, int(value) if kind[-1] in "HB" else value)
    log = b"\0" * 585 + struct.pack("<d", 45301.46006813) + b"\0" * 100
    file = b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + b"\0" * 4
    for name, body in (("VMP Set", b"\0" * 300), ("VMP data", data), ("VMP LOG", log)):
        head = b"MODULE" + name.encode().ljust(10) + name.encode().ljust(25)
        if version > 10:
            head += b"\xff" * 4 + struct.pack("<3I", len(body), 0, version) + b"01/10/24"
        else:
            head += struct.pack("<2I", len(body), version) + b"01/10/24"
        file += head + body
    return file


def dta(cycles: int = 1, area: str = "7.85000E-001", comma: bool = False) -> bytes:
    text = f"EXPLAIN\nTAG\tEISPOT\nTITLE\tLABEL\tx\tTest\nDATE\tLABEL\t4/23/2018\tDate\nTIME\tLABEL\t16:43:15\tTime\nAREA\tQUANT\t{area}\t&Area (cm^2)\n"
    text += "OCVCURVE\tTABLE\t1\n\tPt\tT\tVf\tVm\tAch\n\t#\ts\tV vs. Ref.\tV\tV\n\t0\t0.25\t0.1\t0.1\t0.1\n"
    for cycle in range(1, cycles + 1):
        text += "ZCURVE\tTABLE\n\tPt\tTime\tFreq\tZreal\tZimag\tZsig\tZmod\tZphz\tIdc\tVdc\n\t#\ts\tHz\tohm\tohm\tV\tohm\t°\tA\tV\n"
        for place, (_, f, z) in enumerate(points(cycles)[(cycle - 1) * FREQUENCY.size : cycle * FREQUENCY.size]):
            words = (place, 2.0 * place, f, z.real, z.imag, 1, abs(z), np.degrees(np.angle(z)), 1e-9, 0.1)
            text += "\t" + "\t".join(map(str, words)) + "\n"
    return (text.replace(".", ",") if comma else text).encode("latin-1")


def zplot(area: str = "1") -> bytes:
    head = f"ZPLOT2 ASCII\n  Measured Data, ZPlot: 3.2c\n  Date: 10-12-2018\n  Time: 12:32:21\n    Surface Area: {area}\n  Freq(Hz)\tAmpl\tBias\nEnd Comments\n"
    return (head + rows(1, lambda c, f, z: (f, 0.01, 0.0, 1.0, z.real, z.imag, 0.0, 0, 4), "\t")).encode()


def z60w() -> bytes:
    head = '"Z60W Data File: Version 1.1"\n""\n0,2,0\n6\n"  Freq (Hz)    Ampl     Bias   Time(Sec)   Z\'(a)    Z\'\'(b)    GD   Err   Range"\n'
    return b"\xef\xbb\xbf" + (head + rows(1, lambda c, f, z: (f, 0, 0, 0, z.real, z.imag, 0, 0, 0), ",")).encode()


def dfr() -> bytes:
    lines = [value for _, f, z in points() for value in (f, z.real, -z.imag, *[0.0] * 6)]
    return "\n".join(["VERSION8.0", f" {FREQUENCY.size}", " 1", *(f" {value}" for value in lines), " 0.0", "13.07.2022"]).encode()  # fmt: skip


def p00() -> bytes:
    head = f"Procedure : x\nt =  736.4 s\n f/Hz       \t Z'/Ohm     \t -Z''/Ohm   \t time/s    \t\n {FREQUENCY.size} \n"
    return (head + rows(1, lambda c, f, z: (f" {f}", f" {z.real}", f" {-z.imag}", " 1e0", ""), "\t")).encode()


def i2b() -> bytes:
    return (f"Some\nlines\n\n{FREQUENCY.size}\n" + rows(1, lambda c, f, z: (f, z.real, z.imag), " ")).encode()


def ivium(cycles: int = 1, area: str = "0.785") -> bytes:
    file = b"\0\0\0\0H\0\0\0\r\n"
    for cycle in range(1, cycles + 1):
        about = f"Method=Impedance\r\nTechnique=Constant E\r\nData Options.Area={area}\r\n"
        own = [point for point in points(cycles) if point[0] == cycle]
        body = "".join(f"{z.real:.8E}  {z.imag:.8E}\t{f:.8E} \r\n" for _, f, z in own)
        file += (
            about.encode()
            + b">\x0c\1\0\r\n"
            + f"primary_data    \r\n3         \r\n{len(own)}        \r\n{body}".encode()
        )
        file += b"\xc2\x8c\x08\0\0\r\n"
    return file


def par() -> bytes:
    head = "<Application>\nName=VersaStudio\n</Application>\n<Action0>\nWorking Electrode Area (cm2)=0.785\nComment=実験\n</Action0>\n<Experiment>\nTimeAcquired=9:40:30 AM\nDateAcquired=Thursday, July 19, 2018\n</Experiment>\n"
    head += "<Segment1>\nType=2\nVersion=3\nDefinition=Segment #, Point #, E(V), I(A), Elapsed Time(s), Frequency(Hz), E Real, Z Real, Z Imag, E2(V)\n"
    body = rows(1, lambda c, f, z: (0, 0, 0.1, 1e-6, 1.0, f, 0.01, z.real, z.imag, 0), ",")
    return (head + body + "</Segment1>\n<DockingLayout>\n").encode()


def pssession(cycles: int = 1) -> bytes:
    def arrays(cycle: int) -> list[dict[str, object]]:
        own = [point for point in points(cycles) if point[0] == cycle]
        parts = {
            "Frequency": [f for _, f, _ in own],
            "ZRe": [z.real for *_, z in own],
            "ZIm": [-z.imag for *_, z in own],
        }
        return [
            {"Description": name, "DataValues": [{"V": value} for value in values]} for name, values in parts.items()
        ]

    measurements = [
        {"TimeStamp": 638283044195322907, "DataSet": {"Values": arrays(cycle)}, "EISDataList": []}
        for cycle in range(1, cycles + 1)
    ]
    session = {"Type": "PalmSens.DataFiles.SessionFile", "Measurements": measurements}
    return (json.dumps(session) + "\ufeff").encode("utf-16")


def chi() -> bytes:
    head = "Feb. 20, 2020   15:55:08\nA.C. Impedance\nInstrument Model:  CHI660E\nNote: \n\nInit E (V) = 0\n\nFreq/Hz, Z'/ohm, Z\"/ohm, Z/ohm, Phase/deg\n\n"
    return (head + rows(1, lambda c, f, z: (f, z.real, z.imag, abs(z), np.degrees(np.angle(z))), ", ")).encode()


def parstat() -> bytes:
    head = "Potential (V)\tCurrent (A)\tElapsed Time (s)\tFrequency (Hz)\tZre (ohms)\tZim (ohms)\t|Vac| (V)\t\n3.4\t-0.15\t10\t0\t0\t0\t0\t\n3.4\t-0.15\t20\t0\t0\t0\t0\t\n"
    return (head + rows(1, lambda c, f, z: (3.4, -0.1, 30, f, z.real, z.imag, 0.01, ""), "\t")).encode()


def powersuite() -> bytes:
    return ("Frequency\t Zre\t Zimg\n" + rows(1, lambda c, f, z: (f, z.real, z.imag), "\t ")).encode()


def spoc(names: tuple[str, str, str] = ("Re(Z)", "Im(Z)", "Phase(Z)")) -> bytes:
    """A column called Im(Z) that holds -Im(Z), beside a phase."""
    head = f"True,index,freq,{names[0]},{names[1]},Z,{names[2]},cycle_number\n"
    return (head + rows(1, lambda c, f, z: (0, 0, f, z.real, -z.imag, abs(z), np.degrees(np.angle(z)), 1.0), ",")).encode()  # fmt: skip


def bdf() -> bytes:
    head = "Cycle Count / 1,Imaginary Impedance / ohm,Frequency / Hz,Real Impedance / ohm\n"
    return (head + rows(2, lambda c, f, z: (c, z.imag, f, z.real), ",")).encode()


def xlsx(headings: Sequence[str] = ("f (kHz)", "Z' [mΩ]", "-Z'' [mΩ]")) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["a title", None])
    sheet.append(list(headings))
    for _, f, z in points():
        sheet.append([f / 1e3, 1e3 * z.real, -1e3 * z.imag])
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


FILES: dict[str, tuple[Callable[[], bytes], str, int]] = {
    "a.mpt": (mpt, "BioLogic mpt", 2),
    "lf.mpt": (lambda: mpt(end="\n", encoding="utf-8"), "BioLogic mpt", 2),
    "comma.mpt": (lambda: mpt(comma=True), "BioLogic mpt", 2),
    "new.mpr": (mpr, "BioLogic mpr", 2),
    "old.mpr": (lambda: mpr(version=3), "BioLogic mpr", 2),
    "a.DTA": (dta, "Gamry DTA", 1),
    "two.dta": (lambda: dta(cycles=2, comma=True), "Gamry DTA", 2),
    "a.z": (zplot, "ZPlot z", 1),
    "autolab.txt": (z60w, "Autolab Z60W text", 1),
    "a.dfr": (dfr, "Autolab dfr", 1),
    "a.P00": (p00, "Autolab P00", 1),
    "a.i2b": (i2b, "i2b", 1),
    "a.idf": (ivium, "Ivium", 1),
    "a.ids": (lambda: ivium(cycles=2), "Ivium", 2),
    "a.par": (par, "VersaStudio par", 1),
    "a.pssession": (pssession, "PalmSens pssession", 1),
    "two.pssession": (lambda: pssession(cycles=2), "PalmSens pssession", 2),
    "chi.txt": (chi, "CH Instruments text", 1),
    "parstat.txt": (parstat, "Parstat text", 1),
    "powersuite.txt": (powersuite, "PowerSuite text", 1),
    "spoc.csv": (spoc, "table", 1),
    "spoc2.csv": (lambda: spoc(("Re", "Im", "Phase")), "table", 1),
    "bdf.csv": (bdf, "Battery Data Format", 2),
    "a.xlsx": (xlsx, "workbook", 1),
}
"""Name, writer, name of the format, and how many spectra it holds."""
