-- What the code systems are called that the lake and the code sets name: one row for each name as recorded, in small letters, and
-- the name that code sets go by here. SNOMED CT, LOINC, ICD, RxNorm and CPT have many names: with and without hyphens, as the
-- address that FHIR gives them, as an OID, as VSAC's exports write them [K]. A name that is none of these stands for itself.
with named as (
    select code_system from lake.diagnosis
    union
    select code_system from lake.procedure
    union
    select code_system from lake.observation
    union
    select code_system from lake.code_set
    union
    select code_system from prepared.shipped_code_set
    union
    -- What a record without a code system is taken for.
    select unnest(make_array('icd-10-cm', 'icd-9-cm', 'icd-10-pcs', 'icd-9-pcs', 'loinc')) as code_system
),
letters as (
    select
        lower(code_system) as recorded,
        regexp_replace(lower(code_system), '[^a-z0-9]', '', 'g') as plain
    from named
    where code_system is not null
    group by lower(code_system)
)
select
    recorded,
    case
        when plain = 'sct' or plain like 'snomed%' or plain like 'httpsnomedinfosct%'
            or plain like '%2168401113883696' then 'snomed'
        when plain in ('ln', 'httploincorg', 'httpsloincorg') or plain like 'loinc%'
            or plain like '%216840111388361' then 'loinc'
        when plain like 'icd10cm%' or plain like '%sidicd10cm' or plain like '%2168401113883690' then 'icd-10-cm'
        when plain like 'icd10pcs%' or plain in ('httpwwwcmsgovmedicarecodingicd10', 'httpswwwcmsgovmedicarecodingicd10')
            or plain like '%216840111388364' then 'icd-10-pcs'
        when plain like 'icd9cm%' or plain like '%sidicd9cm' or plain like '%21684011138836103' then 'icd-9-cm'
        when plain like 'icd9pcs%' or plain like '%21684011138836104' then 'icd-9-pcs'
        when plain like 'rxnorm%' or plain like '%umlsrxnorm' or plain like '%2168401113883688' then 'rxnorm'
        when plain in ('cpt', 'cpt4', 'httpwwwamaassnorggocpt') or plain like '%2168401113883612' then 'cpt'
        else recorded
    end as code_system
from letters
