"""Which tax ids each country has, as Stripe calls them (docs.stripe.com/billing/customer/tax-ids).

A mask is the form that Stripe documents: `#` a digit, `@` a letter, `*` either, everything else itself. Checks are
modules of python-stdnum; where it knows none, only the form is asked for. Examples pass their own check.
"""

from dataclasses import dataclass
from functools import cache

EU_VAT = "eu_vat"
_EU_CHECK = "eu.vat"


@dataclass(frozen=True, slots=True)
class TaxIdKind:
    """A kind of tax id that a country has. `country` is ISO 3166-1, `type` Stripe's name of the kind.

    The letters that numbers begin with may be left out, except where `is_prefix_asked`.
    """

    country: str
    type: str
    name: str
    masks: tuple[str, ...]
    example: str
    checks: tuple[str, ...] = ()
    is_prefix_asked: bool = False


# type, name, masks, example, modules of stdnum (one of them has to agree)
_NATIONAL = """
ad_nrt|NRT|@-######-@|U-132950-X|ad.nrt
ae_trn|TRN|###############|123456789012345|
al_tin|TIN|@########@|J91402501L|al.nipt
am_tin|TIN|########|02538904|
ao_tin|TIN|##########|5123456789|
ar_cuit|CUIT|##-########-#|20-05536168-2|ar.cuit
au_abn|ABN|###########|83914571673|au.abn
au_arn|ARN|############|123456789123|
aw_tin|TIN|########|12345678|
az_tin|TIN|##########|1401555071|az.voen
ba_tin|TIN|############|123456789012|
bb_tin|TIN|#############|1123456789012|
bd_bin|BIN|#########-####|123456789-0123|
bf_ifu|IFU|########@|12345678A|
bg_uic|UIC|#########|175074752|bg.vat
bh_vat|VAT number|###############|123456789012345|
bj_ifu|IFU|#############|1234567890123|
bo_tin|TIN|#########|123456789|
br_cnpj|CNPJ|**.***.***/****-##|16.727.230/0001-97|br.cnpj
br_cpf|CPF|###.###.###-##|390.533.447-05|br.cpf
bs_tin|TIN|###.###.###|123.456.789|
by_tin|TIN|**#######|200988541|by.unp
ca_bn|BN|#########|123026635|ca.bn
ca_gst_hst|GST/HST number|#########RT####|123026635RT0001|ca.bn
ca_pst_bc|PST number (British Columbia)|PST-####-####|PST-1234-5678|
ca_pst_mb|PST number (Manitoba)|######-#|123456-7|
ca_pst_sk|PST number (Saskatchewan)|#######|1234567|
ca_qst|QST number (Québec)|##########TQ####|1234567890TQ1234|
cd_nif|NIF|@#######@|A0123456M|
ch_uid|UID|CHE-###.###.###,CHE-###.###.### HR|CHE-100.155.212|ch.uid
ch_vat|VAT number|CHE-###.###.### MWST,CHE-###.###.### TVA,CHE-###.###.### IVA|CHE-107.787.577 MWST|ch.vat
cl_tin|RUT|##.###.###-*,#.###.###-*|76.086.428-5|cl.rut
cm_niu|NIU|@############@|M123456789000L|
cn_tin|USCC|******************|91110000600037341L|cn.uscc
co_nit|NIT|###.###.###-#|213.123.432-1|co.nit
cr_tin|Tax ID|#-###-######|1-234-567890|
cv_nif|NIF|#########|213456789|
de_stn|Steuernummer|##########,###########,#############|18181508155|de.stnr
do_rcn|RNC|#-##-#####-#,###-#######-#|1-01-85004-3|do.rnc,do.cedula
ec_ruc|RUC|#############|1792060346001|ec.ruc
eg_tin|TIN|#########|100531385|eg.tn
es_cif|NIF|@#######*|J99216582|es.cif
et_tin|TIN|##########|1234567890|
fo_vat|VAT number|######|623857|fo.vn
gb_vat|VAT number|GB#########,GB############|GB980780684|gb.vat
ge_vat|VAT number|#########|123456789|
gi_tin|TIN|######|123456|
gn_nif|NIF|#########|693770885|gn.nifp
hk_br|BR number|########|12345678|
hr_oib|OIB|###########|33392005961|hr.oib
hu_tin|Tax number|########-#-##|12345678-1-23|
id_npwp|NPWP|##.###.###.#-###.###,###.###.###.#-###.###|01.312.166.0-091.000|id.npwp
il_vat|VAT number|#########|039337423|il.idnr
in_gst|GSTIN|##@@@@@####@*@*|27AAPFU0939F1ZV|in_.gstin
is_vat|VAT number|######,#####|00621|is_.vsk
it_cf|Codice fiscale|@@@@@@**@**@***@,###########|RCCMNL83S18D969H|it.codicefiscale
jp_cn|Corporate number|#############|5835678256246|jp.cn
jp_rn|Registered business number|#####|12345|
jp_trn|Registration number|T#############|T1234567891234|
ke_pin|PIN|@#########@|P051365947M|ke.pin
kg_tin|TIN|##############|12345678901234|
kh_tin|TIN|####-#########|1001-123456789|
kr_brn|BRN|###-##-#####|116-82-00276|kr.brn
kz_bin|BIN|############|123456789012|
la_tin|TIN|#########-###|123456789-000|
li_uid|UID|CHE#########|CHE100155212|ch.uid
li_vat|VAT number|#####|12345|
lk_vat|VAT number|#########-####|123456789-7000|
ma_vat|VAT number|########|12345678|
md_vat|VAT number|#######|1234567|
me_pib|PIB|########|02655284|me.pib
mk_vat|VAT number|MK#############|MK4030000375897|mk.edb
mr_nif|NIF|########|12345678|
mx_rfc|RFC|@@@######***,@@@@######***|MAB9307148T4|mx.rfc
my_frp|FRP number|########|12345678|
my_itn|ITN|@ ##########,@@ ##########|C 1234567890|
my_sst|SST number|@##-####-########|A12-3456-78912345|
ng_tin|TIN|########-####|12345678-0001|
no_vat|VAT number|#########MVA|995525828MVA|no.mva
no_voec|VOEC number|#######|1234567|
np_pan|PAN|#########|123456789|
nz_gst|GST number|#########,########|49091850|nz.ird
om_vat|VAT number|OM##########|OM1234567890|
pe_ruc|RUC|###########|20512333797|pe.ruc
ph_tin|TIN|############,#########|123456789012|
pl_nip|NIP|##########|8567346215|pl.nip
py_ruc|RUC|########-#,#######-#,######-#|80028061-0|py.ruc
ro_tin|CNP|#############|1630615123457|ro.cnp
rs_pib|PIB|#########|101134702|rs.pib
ru_inn|INN|##########,############|1234567894|ru.inn
ru_kpp|KPP|####**###|123456789|
sa_vat|VAT number|###############|123456789012345|
sg_gst|GST number|@########@|M12345678X|
sg_uen|UEN|#########@,########@,@##@@####@|197401143C|sg.uen
si_tin|Tax number|########|50223054|si.ddv
sn_ninea|NINEA|########@#|30672212G2|sn.ninea
sr_fin|FIN|##########|1234567890|
sv_nit|NIT|####-######-###-#|0614-050707-104-8|sv.nit
th_vat|VAT number|#############|1234545678781|th.tin
tj_tin|TIN|#########|123456789|
tr_tin|VKN|##########|4540536920|tr.vkn
tw_vat|VAT number|########|00501503|tw.ubn
tz_vat|VAT number|########@|12345678A|
ua_vat|VAT number|#########,############|123456789|
ug_tin|TIN|##########|1014751879|
us_ein|EIN|##-#######|91-1144442|us.ein
uy_ruc|RUT|############|211003420017|uy.rut
uz_tin|TIN|#########|123456789|
uz_vat|VAT number|############|123456789012|
ve_rif|RIF|@-########-#|V-11470283-4|ve.rif
vn_tin|MST|##########,##########-###|0100233488|vn.mst
za_vat|VAT number|##########|4123456789|
zm_tin|TIN|##########|1004751879|
zw_tin|TIN|##########|1234567890|
"""
# country: masks, example. Greece writes EL, Northern Ireland (within GB) writes XI.
_EU = {
    "AT": ("ATU########", "ATU13585627"),
    "BE": ("BE##########", "BE0428759497"),
    "BG": ("BG#########,BG##########", "BG175074752"),
    "CY": ("CY########@", "CY10259033P"),
    "CZ": ("CZ########,CZ#########,CZ##########", "CZ25123891"),
    "DE": ("DE#########", "DE136695976"),
    "DK": ("DK########", "DK13585628"),
    "EE": ("EE#########", "EE100931558"),
    "ES": ("ES*#######*", "ESJ99216582"),
    "FI": ("FI########", "FI20774740"),
    "FR": ("FR**#########", "FR40303265045"),
    "GB": ("XI#########,XI############", "XI980780684"),
    "GR": ("EL#########", "EL094259216"),
    "HR": ("HR###########", "HR33392005961"),
    "HU": ("HU########", "HU12892312"),
    "IE": ("IE#*#####@,IE#######@@", "IE6433435F"),
    "IT": ("IT###########", "IT00743110157"),
    "LT": ("LT#########,LT############", "LT119511515"),
    "LU": ("LU########", "LU15027442"),
    "LV": ("LV###########", "LV40003521600"),
    "MT": ("MT########", "MT11679112"),
    "NL": ("NL#########B##", "NL004495445B01"),
    "PL": ("PL##########", "PL8567346215"),
    "PT": ("PT#########", "PT501964843"),
    "RO": ("RO" + ",RO".join("#" * count for count in range(2, 11)), "RO18547290"),
    "SE": ("SE############", "SE123456789701"),
    "SI": ("SI########", "SI50223054"),
    "SK": ("SK##########", "SK2022749619"),
}


@cache
def kinds_of(country: str) -> tuple[TaxIdKind, ...]:
    """The kinds that a country (ISO 3166-1) has, what goes on invoices first; none where Stripe knows of none."""
    return tuple(kind for kind in all_kinds() if kind.country == country)


def kind_of(country: str, type_: str) -> TaxIdKind | None:
    """The kind by country and Stripe's type."""
    return next((kind for kind in kinds_of(country) if kind.type == type_), None)


def kind_name(country: str, type_: str) -> str:
    """What people call such a number; a kind that is not known here is named after Stripe's type."""
    kind = kind_of(country, type_)
    return kind.name if kind else type_.replace("_", " ").upper()


@cache
def all_kinds() -> tuple[TaxIdKind, ...]:
    """Every kind of every country."""
    within_gb = [kind for kind in _european() if kind.country == "GB"]
    return (*(kind for kind in _european() if kind.country != "GB"), *_national(), *within_gb)


def country_of(type_: str, value: str) -> str:
    """The country of a number that came from Stripe, "" where it belongs to none."""
    if type_ == EU_VAT:
        return {"EL": "GR", "XI": "GB"}.get(value[:2].upper(), value[:2].upper())
    start = type_[:2].upper()
    return start if kinds_of(start) and type_[2:3] == "_" else ""


def _european() -> list[TaxIdKind]:
    return [
        TaxIdKind(
            country,
            EU_VAT,
            _eu_name(country),
            tuple(masks.split(",")),
            example,
            (_EU_CHECK,),
            is_prefix_asked=country == "GB",
        )
        for country, (masks, example) in _EU.items()
    ]


def _eu_name(country: str) -> str:
    return "EU VAT number (Northern Ireland)" if country == "GB" else "EU VAT number"


def _national() -> list[TaxIdKind]:
    kinds = []
    for line in _NATIONAL.strip().splitlines():
        type_, name, masks, example, checks = line.split("|")
        modules = tuple(filter(None, checks.split(",")))
        kinds.append(TaxIdKind(type_[:2].upper(), type_, name, tuple(masks.split(",")), example, modules))
    return kinds
