/*
 * main.c
 *		Walks the folders of cases, runs each file, and counts.
 *
 * usage: run_cases DATA_DIR [FIXTURES_DIR [PART_OF_PATH]]
 *
 * ICECAT_CASE_DOCUMENTS names a folder that gets the metadata documents that the cases give.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/pure.h"

#include <dirent.h>
#include <sys/stat.h>

#include "case.h"
#include "trap.h"

typedef void (*CaseFunction)(const IceJson *file);

static const struct
{
	const char  *folder;
	CaseFunction run;
} folders[] = {
	{"json", case_json},
	{"metadata/valid", case_metadata_valid},
	{"metadata/invalid", case_metadata_invalid},
	{"create", case_create},
	{"requirement", case_requirement},
	{"update", case_update},
	{"needs", case_needs},
	{"successor", case_successor},
	{"view", case_view},
	{"vend", case_vend},
	{"vend/sign", case_vend},
	{"vend/refused", case_vend},
	{"budget", case_budget},
	{"scale", NULL},
	{"sigv4", case_sigv4},
	{"shared-key", case_shared_key},
	{"address", case_address},
	{"xml", case_xml},
	{"answer", case_answer},
};

/* Documents that the library they come from refuses, or that are no table metadata. */
static const char *const invalid_fixtures[] = {
	"go/TableMetadataV1NoValidSchema.json",
	"go/TableMetadataV2CurrentSchemaNotFound.json",
	"go/TableMetadataV2MissingLastPartitionId.json",
	"go/TableMetadataV2MissingPartitionSpecs.json",
	"go/TableMetadataV2MissingSchemas.json",
	"go/TableMetadataV2MissingSortOrder.json",
	"go/TableMetadataV2Valid.zstd.metadata.json",     /* compressed */
	"go/TableMetadataV3WithPartitionStatistics.json", /* first-row-id without added-rows */
	"go/view-metadata.json",
	"java/TableMetadataUnsupportedVersion.json",
	"java/TableMetadataV1MissingSchemaType.json",
	"java/TableMetadataV2CurrentSchemaNotFound.json",
	"java/TableMetadataV2MissingLastPartitionId.json",
	"java/TableMetadataV2MissingPartitionSpecs.json",
	"java/TableMetadataV2MissingSchemas.json",
	"java/TableMetadataV2MissingSortOrder.json",
	"rust/TableMetadataUnsupportedVersion.json",
	"rust/TableMetadataV1NoValidSchema.json",
	"rust/TableMetadataV2CurrentSchemaNotFound.json",
	"rust/TableMetadataV2MissingLastPartitionId.json",
	"rust/TableMetadataV2MissingPartitionSpecs.json",
	"rust/TableMetadataV2MissingSchemas.json",
	"rust/TableMetadataV2MissingSortOrder.json",
};

static int passed;
static int failed;

static const char *running; /* the case: its path below the data */

/* KIND+FOLDER+NAME.json, for test/clients/java-reads. */
void
case_leave_document(const char *kind, const IceJson *document)
{
	const char *folder = getenv("ICECAT_CASE_DOCUMENTS");
	char       *name;
	FILE       *file;

	if (folder == NULL || document == NULL)
		return;
	name = pstrdup(running);
	for (char *c = name; *c != '\0'; c++)
		*c = *c == '/' ? '+' : *c;
	file = fopen(psprintf("%s/%s+%s", folder, kind, name), "w");
	if (file == NULL || fputs(ice_json_text(document), file) == EOF || fclose(file) != 0)
		case_fail("cannot write the document into %s", folder);
}

/* Memory is the process's: cases are short, and palloc has no contexts here. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Names in a folder that end in .json, sorted; sets *count. */
static char **
list_folder(const char *path, int *count)
{
	DIR           *dir = opendir(path);
	struct dirent *entry;
	char         **names = palloc(sizeof(char *) * 16);
	int            capacity = 16;

	*count = 0;
	while (dir != NULL && (entry = readdir(dir)) != NULL)
	{
		size_t len = strlen(entry->d_name);

		if (len < 5 || strcmp(entry->d_name + len - 5, ".json") != 0)
			continue;
		if (*count == capacity)
			names = repalloc(names, sizeof(char *) * (capacity *= 2));
		names[(*count)++] = pstrdup(entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	qsort(names, *count, sizeof(char *), compare_texts);
	return names;
}

static void
report(const char *path, const IceTrap *trap)
{
	failed++;
	printf("FAILED %s: %s\n", path, trap->message);
}

static void
run_case(const char *path, CaseFunction run)
{
	IceTrap trap = {.message = NULL};

	running = path + strlen(case_data_dir) + 1;
	ice_trap = &trap;
	if (setjmp(trap.jump) == 0)
	{
		IceJson *file = case_read_json(path);

		ice_json_string(file, "rule");
		if (run != NULL)
			run(file);
		else
			case_scale(strrchr(path, '/') + 1, file);
		passed++;
	}
	else
		report(path, &trap);
	ice_trap = NULL;
}

static void
run_folder(const char *folder, CaseFunction run, const char *filter)
{
	char  *path = psprintf("%s/%s", case_data_dir, folder);
	int    count;
	char **names = list_folder(path, &count);

	for (int i = 0; i < count; i++)
	{
		char *file = psprintf("%s/%s", path, names[i]);

		if (filter == NULL || strstr(file, filter) != NULL)
			run_case(file, run);
	}
}

static bool
is_invalid_fixture(const char *name)
{
	for (int i = 0; i < (int) lengthof(invalid_fixtures); i++)
		if (strcmp(invalid_fixtures[i], name) == 0)
			return true;
	return strstr(name, "View") != NULL || strstr(name, "_report") != NULL ||
		   strstr(name, "_response") != NULL;
}

static void
run_fixture(const char *dir, const char *name)
{
	IceTrap trap = {.message = NULL};
	char   *path = psprintf("%s/%s", dir, name);

	running = psprintf("fixture/%s", name);
	ice_trap = &trap;
	if (setjmp(trap.jump) == 0)
	{
		case_fixture(path, !is_invalid_fixture(name));
		passed++;
	}
	else
		report(path, &trap);
	ice_trap = NULL;
}

static void
run_fixtures(const char *dir)
{
	static const char *const libraries[] = {"go", "java", "rust"};
	struct stat              info;

	if (dir == NULL || stat(dir, &info) != 0)
	{
		printf("skipped: documents of other libraries (ICECAT_FIXTURES is no folder)\n");
		return;
	}
	for (int i = 0; i < (int) lengthof(libraries); i++)
	{
		int    count;
		char **names = list_folder(psprintf("%s/%s", dir, libraries[i]), &count);

		for (int j = 0; j < count; j++)
			run_fixture(dir, psprintf("%s/%s", libraries[i], names[j]));
	}
}

int
main(int argc, char **argv)
{
	const char *filter = argc > 3 && *argv[3] != '\0' ? argv[3] : NULL;

	if (argc < 2)
	{
		fprintf(stderr, "usage: %s DATA_DIR [FIXTURES_DIR [PART_OF_PATH]]\n", argv[0]);
		return 2;
	}
	case_data_dir = argv[1];
	for (int i = 0; i < (int) lengthof(folders); i++)
		run_folder(folders[i].folder, folders[i].run, filter);
	if (filter == NULL)
		run_fixtures(argc > 2 ? argv[2] : NULL);
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0 || passed == 0;
}
